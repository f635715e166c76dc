"use strict";
(() => {
  const stored = document.getElementById("flame-data");
  if (!stored) return;
  const graphs = JSON.parse(stored.textContent);
  const area = document.getElementById("flame"), told = document.getElementById("told");
  const search = document.getElementById("search"), choice = document.getElementById("graph");
  const ROW = 20, SMALLEST = 0.0005;
  let graph, zoom = [];

  // A node is [number of its label, value, number of its phase, nodes below it].
  const textOf = node => graph.labels[node[0]];
  const valueText = value => {
    if (graph.unit !== "ns") return value.toPrecision(3) + " " + graph.unit;
    const [scale, unit] = value >= 1e9 ? [1e9, "s"] : value >= 1e6 ? [1e6, "ms"] : value >= 1e3 ? [1e3, "µs"] : [1, "ns"];
    return (value / scale).toPrecision(3) + " " + unit;
  };
  const shown = value => (100 * value / graph.tree[1]).toPrecision(3) + " %";

  function tell(node) {
    told.textContent = `${textOf(node)}: ${valueText(node[1])} per step, ${shown(node[1])}, ${graph.phases[node[2]]}`;
  }

  function box(node, way, depth, left, width, quiet) {
    const made = document.createElement("div");
    const found = search.value && textOf(node).toLowerCase().includes(search.value.toLowerCase());
    made.className = `box ${quiet ? "way" : graph.phases[node[2]] || "unknown"}${found ? " found" : ""}`;
    made.style.cssText = `left:${100 * left}%;width:${100 * width}%;top:${ROW * depth}px`;
    made.textContent = textOf(node);
    made.title = `${textOf(node)}\n${valueText(node[1])} per step, ${shown(node[1])}`;
    made.onclick = () => { zoom = way; draw(); tell(node); };
    made.onmouseenter = () => tell(node);
    area.append(made);
  }

  function draw() {
    area.replaceChildren();
    let node = graph.tree, deepest = 0;
    zoom.forEach((place, depth) => { box(node, zoom.slice(0, depth), depth, 0, 1, true); node = node[3][place]; });
    const pending = [[node, zoom, zoom.length, 0, 1]];
    while (pending.length) {
      const [one, way, depth, left, width] = pending.pop();
      box(one, way, depth, left, width, false);
      deepest = Math.max(deepest, depth);
      let at = left;
      one[3].forEach((child, place) => {
        const part = width * child[1] / one[1];
        if (part > SMALLEST) pending.push([child, [...way, place], depth + 1, at, part]);
        at += part;
      });
    }
    area.style.height = `${ROW * (deepest + 1)}px`;
  }

  function choose() { graph = graphs[choice.value]; zoom = []; draw(); tell(graph.tree); }
  choice.onchange = choose;
  search.oninput = draw;
  document.getElementById("whole").onclick = () => { zoom = []; draw(); tell(graph.tree); };
  choose();
})();
(() => {
  const stored = document.getElementById("timeline-data");
  if (!stored) return;
  const { span, labels, phases, lanes } = JSON.parse(stored.textContent);
  const area = document.getElementById("timeline"), told = document.getElementById("timeline-told");
  const ROW = 20, TITLE = 7, SMALLEST = 0.0004, CLOSEST = 1000;
  let begin = 0, end = span;

  const timeText = ns => {
    const [scale, unit] = ns >= 1e9 ? [1e9, "s"] : ns >= 1e6 ? [1e6, "ms"] : ns >= 1e3 ? [1e3, "µs"] : [1, "ns"];
    return (ns / scale).toPrecision(3) + " " + unit;
  };
  const whole = `${timeText(span)}; the wheel zooms`;

  function draw() {
    area.replaceChildren();
    let top = 0;
    for (const lane of lanes) {
      const title = document.createElement("div");
      title.className = "lane";
      title.textContent = lane.name;
      title.style.top = `${ROW * top}px`;
      area.append(title);
      for (const [start, duration, depth, label, phase] of lane.boxes) {
        const left = (start - begin) / (end - begin), right = (start + duration - begin) / (end - begin);
        if (right < 0 || left > 1 || right - left < SMALLEST) continue;
        const made = document.createElement("div"), from = Math.max(0, left), to = Math.min(1, right);
        made.className = `box ${phases[phase]}`;
        made.style.cssText = `left:calc(${TITLE}rem + (100% - ${TITLE}rem) * ${from});` +
          `width:calc((100% - ${TITLE}rem) * ${to - from});top:${ROW * (top + depth)}px`;
        made.textContent = labels[label];
        made.title = `${labels[label]}\n${timeText(duration)} at ${timeText(start)}`;
        made.onmouseenter = () => { told.textContent = `${labels[label]}: ${timeText(duration)}, at ${timeText(start)}`; };
        made.onclick = () => show(start - duration / 3, start + duration * 4 / 3);
        area.append(made);
      }
      top += lane.rows;
    }
    area.style.height = `${ROW * top}px`;
    told.textContent = begin === 0 && end === span ? whole : `${timeText(end - begin)} at ${timeText(Math.max(0, begin))}`;
  }

  function show(from, to) {
    const middle = (from + to) / 2, width = Math.min(Math.max(to - from, CLOSEST), span);
    begin = Math.min(Math.max(middle - width / 2, 0), span - width);
    end = begin + width;
    draw();
  }
  const zoom = (factor, at) => show(at - (at - begin) * factor, at + (end - at) * factor);
  const pan = part => show(begin + part * (end - begin), end + part * (end - begin));
  const button = (name, act) => { document.getElementById(`timeline-${name}`).onclick = act; };
  button("closer", () => zoom(0.5, (begin + end) / 2));
  button("wider", () => zoom(2, (begin + end) / 2));
  button("before", () => pan(-0.5));
  button("after", () => pan(0.5));
  button("step", () => show(0, span));
  area.addEventListener("wheel", event => {
    const place = area.getBoundingClientRect(), title = TITLE * parseFloat(getComputedStyle(document.documentElement).fontSize);
    const part = Math.min(1, Math.max(0, (event.clientX - place.left - title) / (place.width - title)));
    zoom(event.deltaY > 0 ? 1.25 : 0.8, begin + part * (end - begin));
    event.preventDefault();
  }, { passive: false });
  draw();
})();
