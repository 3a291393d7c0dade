// MathJax draws a page's formulas from top to bottom in short steps, so that a long page answers its reader
// meanwhile. Loaded after MathJax's configuration and before MathJax.

const FORMULAS_OF_A_STEP = 8;

async function typesetInSteps() {
  const formulas = [...document.querySelectorAll(".math")];
  while (formulas.length > 0) {
    await MathJax.typesetPromise(formulas.splice(0, FORMULAS_OF_A_STEP));
    await new Promise((resume) => setTimeout(resume));
  }
}

// A formula that is wider than its column scrolls: the keyboard must reach it then, and only then.
function reachIfWide(formula) {
  formula.tabIndex = formula.scrollWidth > formula.clientWidth ? 0 : -1;
}

const widthsOfFormulas = new ResizeObserver((entries) => {
  entries.forEach(({ target }) => reachIfWide(target));
});

async function showFormulas() {
  await typesetInSteps();
  document.querySelectorAll("mjx-container").forEach((formula) => {
    reachIfWide(formula);
    widthsOfFormulas.observe(formula);
  });
}

window.MathJax = { ...window.MathJax, startup: { pageReady: showFormulas } };
