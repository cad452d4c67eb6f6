/** Parses XML as strictly as feed readers and search engines do, into plain objects that tests can compare. */
import { createRequire } from 'node:module';

interface XmlNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly nodeValue: string | null;
  readonly childNodes: ArrayLike<XmlNode>;
  readonly attributes: ArrayLike<{ readonly name: string; readonly value: string }>;
}
type Parser = new (options: {
  readonly errorHandler: Readonly<Record<string, (message: unknown) => void>>;
}) => {
  parseFromString(text: string, type: string): { readonly documentElement: XmlNode };
};
// The types of the package declare the globals of browsers for the whole program.
const { DOMParser } = createRequire(import.meta.url)('@xmldom/xmldom') as { readonly DOMParser: Parser };

/** Elements by name, attributes by `@name`, text as `#text`; an element with text only is a string. */
// biome-ignore lint/suspicious/noExplicitAny: tests compare it with literals
export type XmlObject = any;

/**
 * @param lists the names of elements that are always lists
 * @throws Error at the first error or warning of the parser
 */
export function parseXml(text: string, lists: readonly string[] = []): XmlObject {
  const refuse = (message: unknown): never => {
    throw new Error(`${String(message)}\n${text.slice(0, 2_000)}`);
  };
  const errorHandler = { warning: refuse, error: refuse, fatalError: refuse };
  const { documentElement } = new DOMParser({ errorHandler }).parseFromString(text, 'text/xml');
  return { [documentElement.nodeName]: convert(documentElement, lists) };
}

function convert(element: XmlNode, lists: readonly string[]): XmlObject {
  const attributes = Array.from(element.attributes, ({ name, value }) => [`@${name}`, value]);
  const result: XmlObject = Object.fromEntries(attributes);
  let content = '';
  for (const child of Array.from(element.childNodes)) {
    if (child.nodeType !== 1) {
      content += child.nodeValue ?? '';
      continue;
    }
    const value = convert(child, lists);
    const known = result[child.nodeName];
    if (known !== undefined || lists.includes(child.nodeName))
      result[child.nodeName] = [known ?? [], value].flat();
    else result[child.nodeName] = value;
  }
  if (Object.keys(result).length === 0) return content;
  return content.trim() === '' ? result : { ...result, '#text': content };
}
