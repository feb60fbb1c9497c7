// SPDX-License-Identifier: MIT
// What the plots of every page share. A page's own script has draw(plot, index), which returns a Chart, and calls start().
"use strict";

const root = document.documentElement;
const plots = JSON.parse(document.getElementById("plots").textContent);
let charts = [];

function style(name) {
  return getComputedStyle(root).getPropertyValue(name).trim();
}

// 20,000 is 20K on an axis.
function brief(value) {
  return value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 4 });
}

function drawAll() {
  charts.forEach((chart) => chart.destroy());
  charts = plots.map(draw);
}

function redrawFor(printing) {
  root.classList.toggle("printing", printing);
  drawAll();
}

function start() {
  root.classList.add("scripted");
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("beforeprint", () => redrawFor(true));
  addEventListener("afterprint", () => redrawFor(false));
}

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.font.size = 11.5;
