// The looks and the script of the HTML report.
#ifndef FIRN_TOOLS_MATRIX_REPORT_HTML_ASSETS_H_
#define FIRN_TOOLS_MATRIX_REPORT_HTML_ASSETS_H_

namespace firn::matrix {

inline constexpr char kHtmlStyle[] = R"css(
:root { color-scheme: light dark; --page: #fff; --text: #1d2329; --faint: #68737d; --line: #d9dee3;
  --box: #f4f6f8; --held: #1a7f37; --held-box: #e6f4ea; --failed: #fff; --failed-box: #c62828;
  --broke: #7a4d00; --broke-box: #fdf0d0; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --page: #14181c; --text: #dde3e8; --faint: #8f9ba6;
  --line: #333b43; --box: #1d2329; --held: #6fce86; --held-box: #16301f; --failed: #fff;
  --failed-box: #b3261e; --broke: #f0c674; --broke-box: #3a2e12; --link: #79b8ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--page);
  color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
a { color: var(--link); }
code, pre { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--box); padding: .6rem .8rem; margin: .4rem 0; border-radius: 6px;
  white-space: pre-wrap; }
.faint { color: var(--faint); }
.verdict { display: inline-block; padding: .2rem .7rem; border-radius: 6px; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
td.o0, .o0 { color: var(--held); background: var(--held-box); }
td.o1, .o1 { color: var(--failed); background: var(--failed-box); font-weight: 600; }
td.o2, .o2 { color: var(--broke); background: var(--broke-box); }
td.o3, .o3 { color: var(--faint); }
.bar { display: flex; width: 12rem; height: .8rem; border-radius: 3px; overflow: hidden;
  background: var(--box); }
.bar i { background: var(--held); } .bar .o1 { background: var(--failed-box); }
.bar .o2 { background: var(--broke); } .bar .o3 { background: var(--line); }
details { border-bottom: 1px solid var(--line); }
details details { margin-left: 1.2rem; }
summary { padding: .3rem 0; cursor: pointer; }
summary:hover { background: var(--box); }
.cell > summary { display: flex; gap: .3rem; align-items: baseline; }
.cell > summary code { flex: 1; }
.mark { flex: none; width: 4.6rem; text-align: center; border-radius: 4px; font-size: 11px; }
.body { padding: .2rem 0 .8rem 1.2rem; }
.body dt { font-weight: 600; margin-top: .5rem; }
.body dt span { font-weight: 400; padding: 0 .4rem; border-radius: 4px; }
.body dd { margin: 0; }
.tools { display: flex; gap: .6rem; flex-wrap: wrap; margin-bottom: .8rem; }
input, select { font: inherit; padding: .3rem .5rem; border: 1px solid var(--line);
  border-radius: 6px; background: var(--page); color: inherit; }
input { flex: 1; min-width: 14rem; }
)css";

inline constexpr char kHtmlScript[] = R"js(
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const dimensionCount = data.dimensions.length, engineCount = data.engines.length;
const cellCount = data.records.length / data.width;
const marks = ['\u2713', '\u2717', '~', '\u2013'];
const found = data.found.map(pairs => {
  const texts = new Map();
  for (let i = 0, cell = 0; i < pairs.length; i += 2) {
    cell += pairs[i];
    texts.set(cell, data.findings[pairs[i + 1]]);
  }
  return texts;
});

const letter = (cell, at) => data.records[cell * data.width + at];
const value = (cell, dimension) => parseInt(letter(cell, dimension), 36);
const outcome = (cell, engine) => Number(letter(cell, dimensionCount + 1 + engine));
function nameOf(cell) {
  return data.dimensions.map((names, dimension) => names[value(cell, dimension)]).join('/');
}
function scenarioOf(cell) {
  const record = data.records.substr(cell * data.width, data.width);
  let text = '';
  for (let at = dimensionCount + 1 + engineCount; at < data.width; at += 3) {
    text += data.clauses[parseInt(record.substr(at, 3), 36)];
  }
  return text;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
// A <details> whose content is made when it is first opened.
function folded(className, title, fill) {
  const details = element('details', className);
  const summary = element('summary');
  summary.append(...title);
  details.append(summary);
  details.addEventListener('toggle', () => fill(details), {once: true});
  return details;
}

function cellBody(cell) {
  const body = element('div', 'body');
  body.append(element('p', '', scenarioOf(cell)));
  const results = element('dl');
  data.engines.forEach(([name, title], engine) => {
    const term = element('dt', '', title + ' ');
    term.append(element('span', 'o' + outcome(cell, engine), data.outcomes[outcome(cell, engine)]));
    results.append(term);
    const seen = found[engine].get(cell);
    if (seen !== undefined) {
      const told = element('dd');
      told.append(element('pre', '', seen));
      results.append(told);
    }
  });
  body.append(results);
  const flags = data.flags[value(cell, dimensionCount)];
  const engines = data.engines.map(([name]) => '--engine ' + name).join(' ');
  body.append(element('pre', '', `firn matrix ${engines} ${flags} --filter ${nameOf(cell)}`));
  return body;
}
function cellElement(cell) {
  const title = [element('code', '', nameOf(cell))];
  data.engines.forEach(([name], engine) => {
    const kind = outcome(cell, engine);
    const mark = element('span', 'mark o' + kind, marks[kind]);
    mark.title = name + ': ' + data.outcomes[kind];
    title.push(mark);
  });
  return folded('cell', title, details => details.append(cellBody(cell)));
}
function headElement() {
  const head = element('div', 'cell');
  const row = element('summary');
  row.append(element('code', 'faint', 'cell'));
  data.engines.forEach(([name]) => row.append(element('span', 'mark', name)));
  head.append(row);
  return head;
}

// Every cell, by change and moment.
const byChange = data.dimensions[0].map(() => data.dimensions[2].map(() => []));
for (let cell = 0; cell < cellCount; ++cell) byChange[value(cell, 0)][value(cell, 2)].push(cell);
const tree = document.getElementById('tree');
byChange.forEach((moments, change) => {
  const count = moments.reduce((sum, cells) => sum + cells.length, 0);
  if (count === 0) return;
  tree.append(folded('', [element('code', '', data.dimensions[0][change]),
                          element('span', 'faint', `  ${count.toLocaleString('en')} cells`)],
    details => moments.forEach((cells, moment) => {
      if (cells.length === 0) return;
      details.append(folded('', [element('code', '', data.dimensions[2][moment]),
                                 element('span', 'faint', `  ${cells.length} cells`)],
        inner => inner.append(headElement(), ...cells.map(cellElement))));
    })));
});

// Or those that are searched for.
const shownAtMost = 200;
const search = document.getElementById('search'), kind = document.getElementById('kind');
const hits = document.getElementById('hits');
function showHits() {
  const words = search.value.toLowerCase().split(/\s+/).filter(word => word);
  const wanted = kind.value;
  hits.replaceChildren();
  tree.hidden = words.length > 0 || wanted !== '';
  if (!tree.hidden) return;
  const matching = [];
  for (let cell = 0; cell < cellCount; ++cell) {
    const name = nameOf(cell);
    if (!words.every(word => name.includes(word))) continue;
    if (wanted !== '' && !data.engines.some((_, engine) => outcome(cell, engine) == wanted)) continue;
    matching.push(cell);
  }
  const more = matching.length > shownAtMost ? `, the first ${shownAtMost} shown` : '';
  hits.append(element('p', 'faint', `${matching.length.toLocaleString('en')} cells${more}`),
              headElement(), ...matching.slice(0, shownAtMost).map(cellElement));
}
search.addEventListener('input', showHits);
kind.addEventListener('change', showHits);
document.getElementById('cells').hidden = false;
)js";

}  // namespace firn::matrix

#endif  // FIRN_TOOLS_MATRIX_REPORT_HTML_ASSETS_H_
