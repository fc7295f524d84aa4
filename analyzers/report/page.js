// Read a day off the first chart; without script the chart is complete all the same.
(() => {
  const curve = JSON.parse(document.getElementById("curve").textContent);
  const figure = document.getElementById("equity"), readout = document.getElementById("readout");
  const svg = figure.querySelector("svg"), box = svg.viewBox.baseVal, days = curve.days;
  if (days.length < 2) return;
  const said = readout.innerHTML, span = days[days.length - 1] - days[0];
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  line.setAttribute("class", "pointer");
  line.setAttribute("y1", curve.top);
  line.setAttribute("y2", curve.bottom);
  const usd = value => value.toLocaleString("en-US", { maximumFractionDigits: 2 }).replace("-", "−");
  const show = event => {
    const seen = svg.getBoundingClientRect();
    const x = (event.clientX - seen.left) * box.width / seen.width;
    const wanted = days[0] + span * (x - curve.left) / (curve.right - curve.left);
    let low = 0, high = days.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (days[middle] <= wanted) low = middle; else high = middle;
    }
    const at = wanted - days[low] <= days[high] - wanted ? low : high;
    const place = curve.left + (curve.right - curve.left) * (days[at] - days[0]) / span;
    line.setAttribute("x1", place);
    line.setAttribute("x2", place);
    svg.append(line);
    const parts = Object.entries(curve.values).map(([name, values]) => `${name} ${usd(values[at])}`);
    const date = new Date(days[at] * 864e5).toISOString().slice(0, 10);
    readout.textContent = `${date}   this day ${usd(curve.day[at])}   since the start: ${parts.join("   ")}`;
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", () => { line.remove(); readout.innerHTML = said; });
})();
