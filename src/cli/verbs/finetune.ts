import { stageVerb } from '../recipe-verb.ts';

export const finetune = stageVerb('finetune', 'Train the student that was searched on, and its baselines');
