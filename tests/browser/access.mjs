// The basics of accessibility, read off the page.

/** Controls that a screen reader could not name. */
export function namelessControls(page) {
  return page.evaluate(() => {
    const name = (node) =>
      node.getAttribute('aria-label') ||
      node.textContent.trim() ||
      node.title ||
      (node.labels && [...node.labels].map((label) => label.textContent.trim()).join(' '));
    return [...document.querySelectorAll('button, a[href], input, select, textarea, [role=option], [role=img]')]
      .filter((node) => node.getClientRects().length > 0 && !name(node))
      .map((node) => node.outerHTML.slice(0, 120));
  });
}

/** Visible texts with less than 4.5 to 1 (3 to 1 for large ones) against what they stand on. */
export function contrastProblems(page) {
  return page.evaluate(() => {
    const pen = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', {
      willReadFrequently: true,
    });
    const paint = (layers) => {
      pen.clearRect(0, 0, 1, 1);
      for (const layer of layers) {
        pen.globalAlpha = layer.opacity;
        pen.fillStyle = layer.color;
        pen.fillRect(0, 0, 1, 1);
      }
      return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (rgb) => {
      const [r, g, b] = rgb.map((value) =>
        value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const problems = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !node.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
        continue;
      const box = node.getBoundingClientRect();
      const disabled = node.closest(':disabled');
      if (
        disabled ||
        box.width < 2 ||
        box.bottom < 0 ||
        box.top > innerHeight ||
        node.closest('.tools, .hidden, .skip, noscript')
      )
        continue;
      const line = [];
      let opacity = 1;
      for (let up = node; up; up = up.parentElement) line.unshift(up);
      const grounds = line.map((up) => {
        const style = getComputedStyle(up);
        opacity *= Number(style.opacity);
        return { color: style.backgroundColor, opacity };
      });
      const style = getComputedStyle(node);
      const ground = paint([{ color: 'Canvas', opacity: 1 }, ...grounds]);
      const ink = paint([{ color: 'Canvas', opacity: 1 }, ...grounds, { color: style.color, opacity }]);
      const [high, low] = [light(ink), light(ground)].sort((one, other) => other - one);
      const ratio = (high + 0.05) / (low + 0.05);
      const size = Number.parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5))
        problems.push(`${ratio.toFixed(2)} ${node.className}: ${walker.currentNode.data.trim().slice(0, 40)}`);
    }
    return [...new Set(problems)];
  });
}
