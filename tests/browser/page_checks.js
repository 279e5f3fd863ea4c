// What a reader would trip over on the page as it is laid out now: lists of faults, by kind.
// Runs as the body of a function; the window must be as high as the page.
const [smallestText] = arguments; // px, as shown
const faults = {};
const fault = (kind, text) => (faults[kind] ??= []).push(text);
const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 60);

// Text as it is seen: one box a line, cut to what the scroll regions show.
function visibleBox(rect, element) {
  let box = { left: rect.left, right: rect.right, top: rect.top, bottom: rect.bottom };
  for (let up = element; up && up !== document.body; up = up.parentElement) {
    if (getComputedStyle(up).overflowX === "visible" || up instanceof SVGElement) continue;
    const edge = up.getBoundingClientRect();
    box.left = Math.max(box.left, edge.left);
    box.right = Math.min(box.right, edge.right);
  }
  return box.right - box.left > 1 && box.bottom - box.top > 1 ? box : null;
}
const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || !element.checkVisibility() || element.closest("title, desc, style")) continue;
  const matrix = element instanceof SVGGraphicsElement ? element.getScreenCTM() : null;
  const range = document.createRange();
  range.selectNodeContents(node);
  const boxes = [...range.getClientRects()].map((rect) => visibleBox(rect, element)).filter(Boolean);
  texts.push({
    element, boxes, words: short(node.data),
    size: parseFloat(getComputedStyle(element).fontSize) * (matrix ? Math.hypot(matrix.a, matrix.b) : 1),
    isSlanted: matrix !== null && Math.abs(matrix.a * matrix.b) > 1e-3,
  });
}

for (const text of texts)
  if (text.boxes.length && text.size < smallestText - 0.05)
    fault("small text", `${text.size.toFixed(1)} px: ${text.words}`);

// Texts over each other; the boxes of slanted ones say nothing.
const lines = texts.filter((text) => !text.isSlanted).flatMap((text) =>
  text.boxes.map((box) => {
    const trim = 0.2 * (box.bottom - box.top); // a line's box is higher than its letters
    return { ...box, top: box.top + trim, bottom: box.bottom - trim, text };
  }));
lines.sort((one, other) => one.top - other.top);
lines.forEach((one, index) => {
  for (let i = index + 1; i < lines.length && lines[i].top < one.bottom - 1; i++) {
    const other = lines[i];
    if (Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 && one.text !== other.text)
      fault("overlapping text", `${one.text.words} / ${other.text.words}`);
  }
});

// Contrast as WCAG 2 counts it (1.4.3), over all that is painted below the middle of each text.
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const known = new Map();
function rgba(colour) {
  if (!known.has(colour)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    known.set(colour, [r, g, b, a / 255]);
  }
  return known.get(colour);
}
const over = ([r, g, b, a], below) => [r, g, b].map((part, i) => a * part + (1 - a) * below[i]);
const luminance = (colour) => colour
  .map((part) => part / 255)
  .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
function paint(element) {
  const style = getComputedStyle(element);
  if (!(element instanceof SVGElement) || element.tagName === "svg") return rgba(style.backgroundColor);
  if (element.tagName.startsWith("t") || style.fill === "none") return [0, 0, 0, 0];
  const [r, g, b, a] = rgba(style.fill);
  return [r, g, b, a * style.fillOpacity * style.opacity];
}
for (const text of texts) {
  const box = text.boxes[0];
  if (!box || box.right <= 0) continue; // a skip link waits outside
  const stack = document.elementsFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
  if (stack.some((element) => element.tagName === "IMG")) continue;
  let behind = rgba(getComputedStyle(document.documentElement).backgroundColor);
  behind = over(behind, [255, 255, 255]);
  for (const element of stack.reverse()) behind = over(paint(element), behind);
  const style = getComputedStyle(text.element);
  const front = over(rgba(text.element instanceof SVGElement ? style.fill : style.color), behind);
  const [light, dark] = [luminance(front), luminance(behind)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  const isLarge = text.size >= 24 || (text.size >= 18.66 && style.fontWeight >= 700);
  if (ratio < (isLarge ? 3 : 4.5)) fault("low contrast", `${ratio.toFixed(2)}: ${text.words}`);
}

// Nothing stands beyond the page's edge, and no part but a scroll region hides anything.
const root = document.documentElement;
if (root.scrollWidth > innerWidth) fault("wider than the window", `${root.scrollWidth} px`);
for (const element of document.body.querySelectorAll("*:not(svg *)")) {
  const scrolls = element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
  const overflow = getComputedStyle(element).overflowX;
  if (!element.checkVisibility() || !scrolls || overflow === "visible") continue;
  if (element.clientWidth <= 1) continue; // for screen readers only
  const name = short(element.textContent);
  if (!["auto", "scroll"].includes(overflow)) fault("cut off", name);
  else if (element.tabIndex < 0) fault("scrolls, not by keyboard", name);
  const cells = [...element.querySelectorAll("tr > :first-child")];
  const fixed = cells.filter((cell) => getComputedStyle(cell).position === "sticky");
  const covered = Math.max(0, ...fixed.map((cell) => cell.offsetWidth));
  if (covered > element.clientWidth / 2)
    fault("covered while it scrolls", `${covered} of ${element.clientWidth} px: ${name}`);
}

// On paper, a table that fits on half a page is in one piece.
if (matchMedia("print").matches)
  for (const table of document.querySelectorAll("table"))
    if (table.offsetHeight < 500 && getComputedStyle(table).breakInside !== "avoid")
      fault("cut between pages", short(table.textContent));

// What a screen reader needs.
for (const table of document.querySelectorAll("table")) {
  const name = table.caption ? short(table.caption.textContent) : `#${table.id}`;
  if (!table.caption?.textContent.trim()) fault("table without caption", name);
  for (const heading of table.querySelectorAll("th"))
    if (!["col", "row", "colgroup", "rowgroup"].includes(heading.scope)) fault("th without scope", name);
  for (const row of table.querySelectorAll("tbody tr, tfoot tr"))
    if (!row.querySelector("th[scope=row]")) fault("row without heading", name);
}
for (const svg of document.querySelectorAll("svg")) {
  const isNamed = svg.getAttribute("aria-label") || svg.querySelector(":scope > title") ||
    document.getElementById(svg.getAttribute("aria-labelledby"));
  const isHidden = svg.closest("[aria-hidden=true]");
  if (!isHidden && (svg.getAttribute("role") !== "img" || !isNamed)) fault("svg without name", svg.id);
}
for (const picture of document.querySelectorAll("img"))
  if (!picture.alt || !picture.complete || !picture.naturalWidth) fault("picture", picture.alt);
let level = 0;
for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
  const next = Number(heading.tagName[1]);
  if (next > level + 1) fault("heading level left out", short(heading.textContent));
  level = next;
}
if (document.querySelectorAll("h1").length !== 1) fault("not one h1", document.title);
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) fault("id twice", id);
for (const link of document.querySelectorAll("a[href^='#']"))
  if (!document.getElementById(decodeURIComponent(link.hash.slice(1)))) fault("dead link", link.hash);

return faults;
