// Prints what the browser's event loop does with a moment that has passed, once it is ours.
import { start, stopOnFault } from "../../tools/runtime/start.mjs";

stopOnFault();
const python = await start(process.argv[2], process.argv[3]);
console.log(
  await python.runPythonAsync(`
    import asyncio, json
    from carryon.core.browser.browser_loop import keep_late_calls

    async def called():
        rung = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.call_at(loop.time() - 1, rung.set)
        await rung.wait()
        return "called"

    said = []
    for before in (lambda: None, keep_late_calls):
        before()
        try:
            said.append(await called())
        except ValueError as fault:
            said.append(str(fault))
    json.dumps(said)
  `),
);
