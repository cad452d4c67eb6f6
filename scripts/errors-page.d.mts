export function formatErrorsPage(
  problems: Readonly<Record<string, import('../src/protocol/problems.ts').ProblemDefinition>>,
): string;
