// Explorers without a kernel: controls choose among pictures that were drawn beforehand.

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

  for (const control of controls) {
    control.addEventListener("input", () => {
      if (control.type === "range") {
        const value = JSON.parse(control.dataset.texts)[control.value];
        control.setAttribute("aria-valuetext", value);
        control.nextElementSibling.textContent = value;
      }
      show();
    });
  }
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".explorer").forEach(moveExplorer);
});
