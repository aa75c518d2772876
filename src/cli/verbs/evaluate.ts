import { stageVerb } from '../recipe-verb.ts';

export const evaluate = stageVerb('evaluate', 'Measure teacher, student and baselines on held-out images');
