/** Splits a typed list at white space and at the separators of both languages. Pure. */
export const splitList = (text: string): readonly string[] => text.split(/[\s,，、;；]+/).filter(Boolean);
