(() => {
  const form = document.querySelector(".filter");
  const count = form.querySelector("output");
  const all = document.querySelectorAll("[data-name]");
  form.hidden = false;
  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const folded = target && target.querySelector("details");
    if (folded) folded.open = true;
  };
  const show = () => {
    const name = form.elements.name.value.trim().toLowerCase();
    const verdict = form.elements.verdict.value;
    let shown = 0;
    for (const one of all) {
      const fits = one.dataset.name.toLowerCase().includes(name) && (!verdict || one.dataset.verdict === verdict);
      one.hidden = !fits;
      shown += fits && one.matches("li") ? 1 : 0;
    }
    count.textContent = `${shown} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", open);
  open();
  show();
})();
