import { stageVerb } from '../recipe-verb.ts';

export const teach = stageVerb('teach', 'Train the teacher, where the recipe says how');
