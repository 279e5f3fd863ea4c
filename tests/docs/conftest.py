from report_fixtures import make_run as make_run
