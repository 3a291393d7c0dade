// Paper is white: a page that is shown in dark colours is printed in light ones.
{
  const page = document.documentElement;
  let shown;
  window.addEventListener("beforeprint", () => {
    shown = page.dataset.theme;
    page.dataset.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    page.dataset.theme = shown;
  });
}
