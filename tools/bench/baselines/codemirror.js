// P5's baseline: CodeMirror with Markdown and line wrapping, and nothing else.
import { markdown } from "@codemirror/lang-markdown";
import { EditorView, basicSetup } from "codemirror";

new EditorView({ parent: document.body, extensions: [basicSetup, markdown(), EditorView.lineWrapping] });
