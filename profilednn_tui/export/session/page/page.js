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
