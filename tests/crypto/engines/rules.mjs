// Runs the crypto contract in Pyodide, in whatever engine has loaded it: Node.js or a browser's worker.

/**
 * @param {any} pyodide
 * @param {ArrayBuffer | Uint8Array} sources a zip of our packages and of this contract
 * @returns {Promise<string>} JSON: the words of each rule that is not kept, null where it is
 */
export async function rules(pyodide, sources) {
  pyodide.unpackArchive(sources, "zip", { extractDir: "/sources" });
  return pyodide.runPythonAsync(`
import sys
sys.path.insert(0, "/sources")
from tests.crypto.webcrypto import verdicts
await verdicts()
`);
}
