import { stageVerb } from '../recipe-verb.ts';

export const supernet = stageVerb('supernet', 'Train all widths of the student together');
