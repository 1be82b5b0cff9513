// Prints whether a start executes texts of dataclasses, which of them it had to compile, and whether the code kept is that of its text.
import { start, stopOnFault } from "../../tools/runtime/start.mjs";

stopOnFault();
const python = await start(process.argv[2], process.argv[3]);
console.log(
  python.runPython(`
    import carryon.precompiled, dataclasses, json
    carryon.precompiled.install()
    kept = dataclasses.exec.__closure__[0].cell_contents
    texts, execute = [], dataclasses.exec
    def watch(text, names, results):
        texts.append(text)
        execute(text, names, results)
    dataclasses.exec = watch
    import carryon.core.browser
    same = all(kept[text] == compile(text, "<string>", "exec") for text in texts if text in kept)
    json.dumps({"executed": len(texts) > 50, "compiled": [text for text in texts if text not in kept], "same": same})
  `),
);
