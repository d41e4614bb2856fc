// What a scripted oracle sees of a page: the elements of a selector in document order, with a point for each that a
// press would really reach inside the task's area. Lengths are CSS pixels of the viewport.
([selector, width, height]) => {
  const flat = (text) => (text || "").replace(/\s+/g, " ").trim();
  const parts = [0.5, 0.3, 0.7, 0.15, 0.85, 0.05, 0.95];
  function spot(el) {
    for (const r of el.getClientRects()) {
      const left = Math.max(r.left, 0), top = Math.max(r.top, 0);
      const right = Math.min(r.right, width), bottom = Math.min(r.bottom, height);
      if (right - left < 1 || bottom - top < 1) continue;
      for (const fy of parts) {
        for (const fx of parts) {
          const x = left + (right - left) * fx, y = top + (bottom - top) * fy;
          const hit = document.elementFromPoint(x, y);
          if (hit && (hit === el || el.contains(hit))) return [x, y];
        }
      }
    }
    return null;
  }
  return [...document.querySelectorAll(selector)].map((el) => {
    const r = el.getBoundingClientRect(), style = getComputedStyle(el);
    return {
      text: flat(el.textContent), left: r.left, top: r.top, right: r.right, bottom: r.bottom, spot: spot(el),
      tag: el.localName, id: el.id, cls: el.getAttribute("class") || "", checked: el.checked === true,
      value: typeof el.value === "string" ? el.value : "", focused: el === document.activeElement,
      colour: style.backgroundColor, data: { ...el.dataset },
      attrs: Object.fromEntries([...el.attributes].map((one) => [one.name, one.value])),
    };
  });
}
