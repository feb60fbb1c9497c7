// Draws the plots of page.py: medians as bars, the spread of the rounds as whiskers.
"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const ours = "#e8710a";
const colours = { native: "#3b6fb6", unthread: ours };
const others = ["#5f9e8f", "#9a7fb5", "#b8a13a", "#7d8791", "#b56f87", "#6aa5c9", "#8c6d4f"];

const whiskers = {
  id: "whiskers",
  afterDatasetsDraw(chart) {
    const { ctx, scales } = chart;
    ctx.save();
    ctx.strokeStyle = style("--text");
    chart.data.datasets.forEach((dataset, index) => {
      chart.getDatasetMeta(index).data.forEach((bar, at) => {
        const spread = dataset.spread[at];
        if (!spread) return;
        const [low, high] = spread.map((value) => scales.y.getPixelForValue(value));
        ctx.beginPath();
        ctx.moveTo(bar.x, low);
        ctx.lineTo(bar.x, high);
        ctx.stroke();
      });
    });
    ctx.restore();
  },
};

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(canvas, plot) {
  let other = 0;
  const datasets = plot.sides.map((side) => ({
    label: side.name,
    data: side.medians,
    spread: side.spreads,
    backgroundColor: colours[side.name] || (side.name.startsWith("unthread") ? "#f4a95f" : others[other++ % others.length]),
  }));
  const grid = { color: style("--line") };
  const ticks = { color: style("--faint") };
  return new Chart(canvas, {
    type: "bar",
    data: { labels: plot.cases, datasets },
    plugins: [whiskers],
    options: {
      animation: false,
      maintainAspectRatio: false,
      scales: {
        x: { grid: { display: false }, ticks },
        y: { type: plot.logarithmic ? "logarithmic" : "linear", beginAtZero: true, grid, ticks,
             title: { display: Boolean(plot.unit), text: plot.unit, color: style("--faint") } },
      },
      plugins: { legend: { position: "bottom", labels: { color: style("--text"), boxWidth: 12 } } },
    },
  });
}

const plots = JSON.parse(document.getElementById("plots").textContent);
let charts = [];
function drawAll() {
  charts.forEach((chart) => chart.destroy());
  charts = plots.map((plot, index) => draw(document.getElementById(`plot-${index}`), plot));
}
drawAll();
dark.addEventListener("change", drawAll);
addEventListener("beforeprint", () => charts.forEach((chart) => chart.resize()));
