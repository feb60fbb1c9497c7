# SPDX-License-Identifier: MIT
"""Opens a page in headless Chromium, as wide, as dark and in the medium that is asked for, and says what is wrong."""

import base64

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

# Width, colour scheme, medium. 680: the text of a sheet of A4.
VIEWS = [(400, "light", "screen"), (400, "dark", "screen"), (800, "light", "screen"),
         (900, "dark", "screen"), (1600, "light", "screen"), (1600, "dark", "screen"),
         (680, "dark", "print")]  # fmt: skip
HOSTILE = "</script><b>&amp; " + "a name that is long, " * 3
PATIENCE = 20  # seconds, for a few frames

# What stands in a box that scrolls may be wider than the page, on a narrow screen and in a table of
# figures only. A plot's series must be seen in its colour among the axes, not in the legend only.
CHECKS = """
const found = [];
const root = document.documentElement;
const narrow = matchMedia("screen and (max-width: 1100px)").matches;
if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth} wide`);
for (const element of document.body.querySelectorAll("*")) {
  const box = element.getBoundingClientRect();
  const name = `${element.tagName}.${element.className} ${element.textContent.slice(0, 40)}`;
  const scrolls = narrow && element.closest(".scroll > table.figures");
  if (box.width && !scrolls && (box.right > root.clientWidth + 0.5 || box.left < -0.5))
    found.push(`overflows: ${name}`);
}
for (const box of document.querySelectorAll(".scroll"))
  if (box.scrollWidth > box.clientWidth && !(narrow && box.querySelector(".figures")))
    found.push(`scrolls: ${box.textContent.slice(0, 40)}`);

function light(colour) {
  const parts = colour.match(/[\\d.]+/g).map(Number);
  const [r, g, b] = parts.slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function ground(element) {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!colour.endsWith(", 0)")) return light(colour);
  }
  return 1;
}
const isDark = ground(document.body) < 0.2;
if (isDark !== dark) found.push(isDark ? "a dark ground" : "a light ground");
const words = "h1, h2, h3, p, li, li span, td, th, dt, dd, small, code, .verdict";
for (const element of document.querySelectorAll(words)) {
  const pair = [light(getComputedStyle(element).color), ground(element)].sort((a, b) => a - b);
  const contrast = ((pair[1] + 0.05) / (pair[0] + 0.05)).toFixed(1);
  if (contrast < 4.5) found.push(`contrast ${contrast}: ${element.textContent.slice(0, 40)}`);
}

for (const canvas of document.querySelectorAll("canvas")) {
  const chart = Chart.getChart(canvas);
  const { left, top, width, height } = chart.chartArea;
  const sharp = chart.currentDevicePixelRatio;
  const area = [left, top, width, height].map((value) => Math.round(value * sharp));
  const pixels = canvas.getContext("2d").getImageData(...area).data;
  for (const { label, backgroundColor: colour } of chart.data.datasets) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    let seen = 0;
    for (let at = 0; at < pixels.length; at += 4)
      if (pixels[at] === r && pixels[at + 1] === g && pixels[at + 2] === b) seen++;
    if (seen < 20) found.push(`${canvas.id}: ${label} is not seen`);
  }
}
return found;
"""


class Browser:
    """With no network; its log is what the page complained of since it was opened."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND"):  # fmt: skip
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def tell(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def run(self, script):
        return self.driver.execute_script(script)

    def open(self, path, width, scheme, medium):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=1000,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip
        self.tell("Emulation.setEmulatedMedia", media="screen", features=[feature])
        self.driver.get(path.as_uri())
        if medium == "print":
            self.run("dispatchEvent(new Event('beforeprint'))")
            self.tell("Emulation.setEmulatedMedia", media="print", features=[feature])
        self.settle()

    def settle(self):
        """Chart.js answers a change of size in a later frame."""
        self.driver.set_script_timeout(PATIENCE)
        self.driver.execute_async_script(
            "const done = arguments[0]; let frames = 3;"
            "const next = () => (frames-- ? requestAnimationFrame(next) : done()); next();"
        )

    def complaints(self, dark):
        log = [entry["message"] for entry in self.driver.get_log("browser")]
        return log + self.run(f"const dark = {'true' if dark else 'false'};{CHECKS}")

    def screenshot(self, path):
        height = self.run("return document.documentElement.scrollHeight")
        width = self.run("return innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self.tell("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(taken["data"]))


def text_of(browser, selector):
    found = browser.run(
        f"return [...document.querySelectorAll('{selector}')].map((e) => e.innerText.trim())"
    )
    return [text.replace("\xa0", " ") for text in found]


def expect(wrong, what, seen, expected):
    if seen != expected:
        wrong.append(f"{what}: {seen!r} and not {expected!r}")
