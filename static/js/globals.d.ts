// What the build defines, and what browsers have that TypeScript's declarations do not know yet.

/** The runtime's folder below the base, `r/<hash>/`: written into tab.js and core.js by the build. */
declare const __RUNTIME__: string;

/** The origins of other relays that the page's policy allows: written into core.js by the build. */
declare const __RELAYS__: string[];

/** What a release consists of: written into sw.js by the build. Paths are below the base, values are `sha256-…`. */
declare const __RELEASE__: {
  release: string;
  runtime: string;
  shell: Record<string, string>;
  app: Record<string, string>;
  files: Record<string, string>;
};

interface TrustedTypePolicy {
  createScriptURL(url: string): unknown;
  createHTML(html: string): unknown;
}

interface Window {
  trustedTypes?: TrustedTypePolicyFactory;
}

interface TrustedTypePolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string; createHTML(html: string): string }): TrustedTypePolicy;
}

declare var trustedTypes: TrustedTypePolicyFactory | undefined;

