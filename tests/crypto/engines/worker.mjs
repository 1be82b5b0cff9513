// A module worker of page.html: posts the verdicts, or what went wrong.
import { loadPyodide } from "/pyodide/pyodide.mjs";
import { rules } from "/engines/rules.mjs";

try {
  const sources = await (await fetch("/sources.zip")).arrayBuffer();
  postMessage(await rules(await loadPyodide(), sources));
} catch (error) {
  postMessage(JSON.stringify({ "the engine": String(error) }));
}
