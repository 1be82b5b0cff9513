"""The journeys in Firefox ESR and WebKitGTK, by WebDriver: `make e2e-engines`. Nothing here is collected by `pytest e2e`."""
