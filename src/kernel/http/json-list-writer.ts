/**
 * JSON of a long list, as bytes that are cheap to read: in ASCII alone, the rest escaped (RFC 8259, section 7), and put together
 * member by member. Node decodes ASCII some ten times faster, and takes a string of more than 128 KB from the system anew
 * each time, which costs more than all that is done with it; text beyond Latin needs twice the memory.
 */
export function formatLongList(head: object, name: string, members: readonly unknown[]): Buffer {
  const before = formatAscii(head).slice(0, -1);
  const parts = members.map((member, order) =>
    Buffer.from(order === 0 ? formatAscii(member) : `,${formatAscii(member)}`, 'latin1'),
  );
  const opening = `${before}${before === '{' ? '' : ','}${formatAscii(name)}:[`;
  return Buffer.concat([Buffer.from(opening, 'latin1'), ...parts, Buffer.from(']}', 'latin1')]);
}

const BEYOND_ASCII = /[\u0080-\uffff]/g;

export const formatAscii = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    BEYOND_ASCII,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
