import { Option } from 'commander';

export const formats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof formats)[number];

/** The flag `-o`, for commands that write with these formats. */
export function outputOption(choices: readonly Format[] = formats): Option {
  return new Option('-o, --output <format>', 'output format').choices([...choices]).default('table');
}

/** Whether stdout belongs to one document or to names, so that nothing else may be written there. */
export function isForPrograms(format: Format): boolean {
  return format === 'json' || format === 'yaml' || format === 'name';
}
