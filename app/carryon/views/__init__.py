"""The interface as pure functions: a notebook, a tab and a device in, HTML regions out; named actions in, commands out.

`page.view` and `page.act` are the two doors; `route` turns addresses into tabs and back. Each other module is one place
or part of the page. Nothing here waits, reads a clock, or knows that there is a browser.
"""
