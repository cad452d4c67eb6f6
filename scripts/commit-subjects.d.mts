export const LAST_COMMIT_BEFORE_THE_RULE: string;
export function findInvalidSubjects(subjects: readonly string[]): readonly string[];
export function listSubjectsSince(base: string, cwd: string): readonly string[] | undefined;
