"use strict";
for (const reader of document.querySelectorAll(".reader")) {
  const form = reader.querySelector(".filters");
  const samples = [...reader.querySelectorAll(".sample")];
  const stories = [...reader.querySelectorAll(".story")];
  const [verdict, configuration, text] = ["verdict", "configuration", "text"].map((name) => form.elements[name]);
  for (const name of new Set(samples.map((one) => one.dataset.configuration))) {
    const option = document.createElement("option");
    option.value = option.textContent = name;
    configuration.append(option);
  }
  const filter = () => {
    const wanted = text.value.toLowerCase();
    let shown = 0;
    for (const one of samples) {
      const fits =
        (!verdict.value || one.dataset.verdict === verdict.value) &&
        (!configuration.value || one.dataset.configuration === configuration.value) &&
        (!wanted || one.textContent.toLowerCase().includes(wanted));
      one.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    const filtered = verdict.value || configuration.value || wanted;
    for (const story of stories) {
      story.hidden = !story.querySelector(".sample:not([hidden])");
      if (filtered && !story.hidden) story.open = true;
    }
    form.querySelector("output").textContent = `${shown} of ${samples.length} samples`;
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details.numbers")) one.open = true;
});
