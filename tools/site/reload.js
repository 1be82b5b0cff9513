// Added to tab.js in development: reloads the page when there is another release.
{
  const base = new URL("../../", import.meta.url);
  const release = import.meta.url.split("/").at(-2);
  setInterval(async () => {
    const answer = await fetch(new URL("release.txt", base), { cache: "no-store" }).catch(() => null);
    if (answer?.ok && (await answer.text()) !== release) location.reload();
  }, 500);
}
