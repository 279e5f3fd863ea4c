"""Head pose: estimators behind one interface, tables of angles, splits by angle, their errors."""
