// SPDX-License-Identifier: MIT
// Draws the plots of page.py: medians as bars, the spread of the rounds as whiskers.
"use strict";

const LINE = 15; // of a case's name, in pixels
const ruler = document.createElement("canvas").getContext("2d");

function figure(value) {
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 0.1 || !size ? 2 : 4;
  const exactly = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString("en", exactly);
}

// Lines of about so many letters; a longer word stays whole.
function wrap(text, letters) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last && last.length + word.length >= letters) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}

// The halo keeps a whisker visible on bars of any tone.
const whiskers = {
  id: "whiskers",
  afterDatasetsDraw(chart) {
    const { ctx, scales, chartArea: area } = chart;
    const lying = chart.options.indexAxis === "y";
    const scale = lying ? scales.x : scales.y;
    const [first, last] = lying ? [area.left, area.right] : [area.top, area.bottom];
    const place = (value) => Math.min(last, Math.max(first, scale.getPixelForValue(value)));
    const path = new Path2D();
    const line = (along, across, toAlong, toAcross) => {
      path.moveTo(...(lying ? [along, across] : [across, along]));
      path.lineTo(...(lying ? [toAlong, toAcross] : [toAcross, toAlong]));
    };
    chart.data.datasets.forEach((dataset, index) => {
      if (!chart.isDatasetVisible(index)) return;
      chart.getDatasetMeta(index).data.forEach((bar, at) => {
        const spread = dataset.spreads[at];
        if (!spread || spread[0] === spread[1]) return;
        const [low, high] = spread.map(place);
        const middle = lying ? bar.y : bar.x;
        const cap = Math.min(3, (lying ? bar.height : bar.width) / 4);
        line(low, middle, high, middle);
        for (const end of [low, high]) line(end, middle - cap, end, middle + cap);
      });
    });
    ctx.save();
    for (const [colour, width] of [[style("--ground"), 3], [style("--text"), 1]]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width;
      ctx.stroke(path);
    }
    ctx.restore();
  },
};

function datasets(plot) {
  return plot.sides.map((side) => ({
    label: side.name,
    data: side.medians,
    spreads: side.spreads,
    backgroundColor: style(`--${side.tone}`),
    categoryPercentage: 0.86,
    barPercentage: 0.92,
    minBarLength: 2,
  }));
}

function values(plot) {
  return plot.sides.flatMap((side) => side.spreads.flat()).filter((value) => value > 0);
}

function valueAxis(plot) {
  const faint = style("--faint");
  const axis = {
    grid: { color: style("--line"), drawBorder: false },
    ticks: { color: faint, maxTicksLimit: 7, maxRotation: 0, callback: brief },
    title: { display: Boolean(plot.unit), text: plot.unit, color: faint },
    suggestedMax: Math.max(0, ...values(plot)),
  };
  if (!plot.logarithmic) return { ...axis, beginAtZero: true };
  const decade = 10 ** Math.floor(Math.log10(Math.min(...values(plot)) * 0.9));
  const isPower = (value) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6);
  axis.ticks.callback = (value) => (isPower(value) ? brief(value) : null);
  return { ...axis, type: "logarithmic", min: decade };
}

// Bars stand where the names of the cases fit below them, and lie where they do not.
function arrange(plot, width) {
  const room = width - 55; // beside the axis
  const standing = plot.cases.map((name) => wrap(name, 12));
  const widest = Math.max(...standing.flat().map((line) => ruler.measureText(line).width)) + 4;
  const needed = plot.cases.length * Math.max(widest, plot.sides.length * 5);
  if (needed <= room) return { labels: standing };
  const labels = plot.cases.map((name) => wrap(name, width < 500 ? 17 : 30));
  const tallest = Math.max(plot.sides.length * 10, ...labels.map((lines) => lines.length * LINE));
  return { labels, lying: true, height: labels.length * (tallest + 14) + 100 };
}

function options(plot, lying) {
  const ticks = { color: style("--text"), autoSkip: false, maxRotation: 0 };
  const names = { grid: { display: false }, ticks };
  const label = ({ dataset, dataIndex: at }) => {
    const [low, high] = dataset.spreads[at].map(figure);
    return `${dataset.label}: ${figure(dataset.data[at])} ${plot.unit} (${low}…${high})`;
  };
  return {
    animation: false,
    maintainAspectRatio: false,
    indexAxis: lying ? "y" : "x",
    devicePixelRatio: root.classList.contains("printing") ? 3 : undefined,
    interaction: { mode: "index", axis: lying ? "y" : "x", intersect: false },
    scales: lying ? { x: valueAxis(plot), y: names } : { x: names, y: valueAxis(plot) },
    plugins: {
      legend: { position: "bottom", labels: { color: style("--text"), boxWidth: 12, padding: 8 } },
      tooltip: { callbacks: { title: ([item]) => plot.cases[item.dataIndex], label } },
    },
  };
}

function draw(plot, index) {
  const canvas = document.getElementById(`plot-${index}`);
  const { labels, lying, height } = arrange(plot, canvas.parentElement.clientWidth);
  canvas.parentElement.style.height = height ? `${height}px` : "";
  return new Chart(canvas, {
    type: "bar",
    data: { labels, datasets: datasets(plot) },
    options: options(plot, lying),
    plugins: [whiskers],
  });
}

ruler.font = `11.5px ${Chart.defaults.font.family}`;
start();

// Chart.js follows the width; whether bars lie is decided anew.
let width = innerWidth;
let pending;
addEventListener("resize", () => {
  clearTimeout(pending);
  if (innerWidth === width) return;
  pending = setTimeout(() => {
    width = innerWidth;
    drawAll();
  }, 150);
});
