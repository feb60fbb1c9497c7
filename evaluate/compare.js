// SPDX-License-Identifier: MIT
// Draws the plots of compare_page.py: a line for each side, whiskers from the least to the most.
"use strict";

const whiskers = {
  id: "whiskers",
  afterDatasetsDraw(chart) {
    const { ctx, scales, chartArea: area } = chart;
    const place = (value) => Math.min(area.bottom, Math.max(area.top, scales.y.getPixelForValue(value)));
    ctx.save();
    chart.data.datasets.forEach((dataset, index) => {
      if (!dataset.low || !chart.isDatasetVisible(index)) return;
      ctx.strokeStyle = dataset.borderColor;
      ctx.lineWidth = 1.5;
      chart.getDatasetMeta(index).data.forEach((point, at) => {
        const [low, high] = [dataset.low[at], dataset.high[at]];
        if (low === null || low === high) return;
        ctx.beginPath();
        ctx.moveTo(point.x, place(low));
        ctx.lineTo(point.x, place(high));
        for (const end of [low, high]) {
          ctx.moveTo(point.x - 3, place(end));
          ctx.lineTo(point.x + 3, place(end));
        }
        ctx.stroke();
      });
    });
    ctx.restore();
  },
};

function dataset(series, index, time) {
  const colour = style(`--${series.tone}`);
  return {
    label: series.name,
    data: time ? series.points : series.values,
    low: series.low,
    high: series.high,
    borderColor: colour,
    backgroundColor: colour,
    borderDash: [[], [], [6, 3]][index] || [2, 2],
    pointStyle: ["circle", "rect", "triangle"][index],
    pointRadius: time ? 1.5 : 4,
    borderWidth: 2,
    tension: 0,
  };
}

function valueAxis(plot) {
  const axis = {
    grid: { color: style("--line") },
    ticks: { color: style("--faint"), maxTicksLimit: 7, callback: brief },
    title: { display: Boolean(plot.unit), text: plot.unit, color: style("--faint") },
  };
  if (!plot.logarithmic) return { ...axis, beginAtZero: true };
  const isPower = (value) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6);
  axis.ticks.callback = (value) => (isPower(value) ? brief(value) : null);
  return { ...axis, type: "logarithmic" };
}

function draw(plot, index) {
  const time = plot.kind === "time";
  const x = { grid: { display: false }, ticks: { color: style("--text"), maxRotation: 0 } };
  if (time) Object.assign(x, { type: "linear", title: { display: true, text: "s", color: style("--faint") } });
  return new Chart(document.getElementById(`plot-${index}`), {
    type: "line",
    data: { labels: plot.labels, datasets: plot.series.map((one, at) => dataset(one, at, time)) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      devicePixelRatio: root.classList.contains("printing") ? 3 : undefined,
      interaction: { mode: "index", intersect: false },
      scales: { x, y: valueAxis(plot) },
      plugins: {
        legend: {
          position: "bottom",
          labels: { color: style("--text"), boxWidth: 24, padding: 8, usePointStyle: true },
        },
      },
    },
    plugins: [whiskers],
  });
}

start();
