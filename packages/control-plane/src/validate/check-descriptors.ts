import type { ApiProblem } from '@causeway/model/api-types';
import { DescriptorFault } from '../descriptors/descriptor-files.ts';
import { descriptorFacts } from '../descriptors/read-descriptors.ts';
import type { Entry } from '../store/resource-index.ts';

/** Rules that a write is warned of, for each set. */
const namedMax = 20;

/** What only reading the descriptors tells. */
export function checkDescriptors(entry: Entry): ApiProblem[] {
  try {
    descriptorFacts(entry);
    return [];
  } catch (error) {
    if (!(error instanceof DescriptorFault)) throw error;
    return [
      {
        code: 'bad_format',
        pointer: '/spec/data',
        detail: error.message,
        hint: 'protoc --include_imports and buf build make sets that are whole',
      },
    ];
  }
}

/** Rules that bind nothing hinder nobody else. */
export function descriptorWarnings(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => {
    if (entry.resource.kind !== 'DescriptorSet') return [];
    const problems = descriptorFacts(entry)?.ruleProblems ?? [];
    const more = problems.length > namedMax ? [`and ${problems.length - namedMax} rules more`] : [];
    return [...problems.slice(0, namedMax), ...more].map((problem) => `${entry.key}: ${problem}`);
  });
}
