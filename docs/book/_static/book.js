// Explorers without a kernel: controls choose among pictures that were drawn beforehand.
// Other figures are links to themselves, at full size.

function moveExplorer(explorer) {
  const { strides, folder, frames } = JSON.parse(
    explorer.querySelector('script[type="application/json"]').textContent,
  );
  const controls = [...explorer.querySelectorAll("input, select")];
  const images = [...explorer.querySelectorAll("img")];
  const text = explorer.querySelector(".text");

  const frameWith = (changed, value) =>
    frames[controls.reduce(
      (sum, control, i) => sum + strides[i] * (control === changed ? value : Number(control.value)), 0)];

  function show() {
    const frame = frameWith();
    images.forEach((image, i) => {
      const [file, alt] = frame.pictures[i];
      image.src = folder + file;
      image.alt = alt;
    });
    text.textContent = frame.text;
    controls.forEach(loadNeighbours);
  }

  // The next pictures of a slider are fetched before they are asked for.
  function loadNeighbours(control) {
    if (control.type !== "range") return;
    for (const step of [-1, 1]) {
      const value = Number(control.value) + step;
      if (value < Number(control.min) || value > Number(control.max)) continue;
      for (const [file] of frameWith(control, value).pictures) new Image().src = folder + file;
    }
  }

  function tellValues() {
    for (const control of controls) {
      if (control.type !== "range") continue;
      const value = JSON.parse(control.dataset.texts)[control.value];
      control.setAttribute("aria-valuetext", value);
      control.nextElementSibling.textContent = value;
    }
  }

  const update = () => { tellValues(); show(); };
  for (const control of controls) control.addEventListener("input", update);
  // A browser that goes back restores the controls, and not what they chose.
  window.addEventListener("pageshow", () => {
    if (!images[0].src.endsWith(frameWith().pictures[0][0])) update();
  });
}

function linkToItself(image) {
  const link = document.createElement("a");
  link.href = image.src;
  image.replaceWith(link);
  link.append(image);
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".explorer").forEach(moveExplorer);
  document.querySelectorAll(".cell_output .output > img, .cell_output > img").forEach(linkToItself);
});
