// @ts-check
/**
 * Markdown shown as it is written, but styled: headings, emphasis, lists, links, code, quotes; front matter kept quiet.
 *
 * Colours come from the page by custom properties; everything here is relative to the text size of the page.
 */

import { indentLess, indentMore } from "@codemirror/commands";
import { markdown, markdownLanguage } from "@codemirror/lang-markdown";
import { HighlightStyle, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { Decoration, EditorView, ViewPlugin, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** @typedef {import("@codemirror/view").ViewUpdate} ViewUpdate */
/** @typedef {import("@lezer/markdown").MarkdownConfig} MarkdownConfig */

/** `---`, lines, `---` at the very beginning of a note. @type {MarkdownConfig} */
const frontMatter = {
  defineNodes: [{ name: "FrontMatter", block: true, style: tags.meta }],
  parseBlock: [
    {
      name: "FrontMatter",
      before: "HorizontalRule",
      parse(context, line) {
        if (context.lineStart !== 0 || line.text.trimEnd() !== "---") return false;
        while (context.nextLine()) {
          if (line.text.trimEnd() !== "---") continue;
          context.nextLine();
          context.addElement(context.elt("FrontMatter", 0, context.prevLineEnd()));
          return true;
        }
        return false;
      },
    },
  ],
};

/** The class of the lines that a node covers. @type {Record<string, string>} */
const LINES = {
  Blockquote: "line-quote",
  FencedCode: "line-code",
  CodeBlock: "line-code",
  FrontMatter: "line-meta",
  ATXHeading1: "line-h1",
  SetextHeading1: "line-h1",
  ATXHeading2: "line-h2",
  SetextHeading2: "line-h2",
  ATXHeading3: "line-h3",
};

/** @param {EditorView} view */
function lineClasses({ state, visibleRanges }) {
  /** @type {import("@codemirror/state").Range<Decoration>[]} */
  const found = [];
  for (const { from, to } of visibleRanges) {
    syntaxTree(state).iterate({ from, to, enter: (node) => {
      const name = LINES[node.name];
      if (!name) return;
      const last = state.doc.lineAt(Math.min(node.to, to)).number;
      for (let number = state.doc.lineAt(Math.max(node.from, from)).number; number <= last; number += 1) {
        found.push(Decoration.line({ class: name }).range(state.doc.line(number).from));
      }
    } });
  }
  return Decoration.set(found, true);
}

const lines = ViewPlugin.define(
  (view) => ({
    decorations: lineClasses(view),
    /** @param {ViewUpdate} update */
    update(update) {
      const isParsed = syntaxTree(update.startState) !== syntaxTree(update.state);
      if (update.docChanged || update.viewportChanged || isParsed) this.decorations = lineClasses(update.view);
    },
  }),
  { decorations: (plugin) => plugin.decorations },
);

const letters = HighlightStyle.define([
  { tag: tags.quote, color: "var(--ink-quiet)" },
  { tag: tags.heading, fontWeight: "650" },
  { tag: tags.strong, fontWeight: "650" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strikethrough, textDecoration: "line-through" },
  { tag: tags.link, color: "var(--accent)" },
  { tag: tags.url, color: "var(--ink-quiet)" },
  { tag: [tags.monospace, tags.labelName], fontFamily: "var(--font-code)", fontSize: "0.92em" },
  { tag: [tags.processingInstruction, tags.contentSeparator, tags.meta], color: "var(--ink-quiet)" },
]);

const theme = EditorView.theme({
  "&": { color: "inherit", background: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "inherit", fontSize: "inherit", lineHeight: "inherit" },
  ".cm-content": { padding: "0", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0", textAlign: "start" },
  ".line-h1": { fontSize: "1.5em", lineHeight: "1.3" },
  ".line-h2": { fontSize: "1.25em", lineHeight: "1.35" },
  ".line-h3": { fontSize: "1.1em" },
  ".line-quote": { borderInlineStart: "3px solid var(--line-strong)", paddingInlineStart: "0.75em" },
  ".line-code, .line-meta": { fontFamily: "var(--font-code)", fontSize: "0.92em" },
  ".line-code": { background: "var(--ground-code)" },
  ".task": { inlineSize: "1.05em", blockSize: "1.05em", margin: "0", verticalAlign: "-0.12em", accentColor: "var(--accent-ground)" },
});

/** The address of the link at a place, if it is one that may be opened. @param {EditorView} view @param {number} place */
function addressAt({ state }, place) {
  const nodes = ["Link", "Autolink", "URL", "Image"];
  let node = syntaxTree(state).resolveInner(place, 0);
  while (node.parent && !nodes.includes(node.name)) node = node.parent;
  const url = node.name === "URL" ? node : node.getChild("URL");
  const address = url ? state.sliceDoc(url.from, url.to) : "";
  return /^(https?:\/\/|mailto:)/i.test(address) ? address : null;
}

const openLinks = EditorView.domEventHandlers({
  mousedown(event, view) {
    const place = event.button === 0 && (event.ctrlKey || event.metaKey) ? view.posAtCoords({ x: event.clientX, y: event.clientY }) : null;
    const address = place === null ? null : addressAt(view, place);
    if (!address) return false;
    window.open(address, "_blank", "noopener,noreferrer");
    return true;
  },
});

/** Tab moves list items; anywhere else it leaves the editor, as Tab does. @param {EditorView} view */
function isInList({ state }) {
  for (let node = syntaxTree(state).resolveInner(state.selection.main.head, -1); node.parent; node = node.parent) {
    if (node.name === "ListItem") return true;
  }
  return false;
}

const listTab = keymap.of([
  { key: "Tab", run: (view) => isInList(view) && indentMore(view), shift: (view) => isInList(view) && indentLess(view) },
]);

export const markdownStyle = [
  markdown({ base: markdownLanguage, extensions: frontMatter, completeHTMLTags: false }),
  syntaxHighlighting(letters),
  lines,
  theme,
  openLinks,
  listTab,
];
