import { stageVerb } from '../recipe-verb.ts';

export const distill = stageVerb('distill', 'Train the student to do what its teacher does');
