import { stageVerb } from '../recipe-verb.ts';

export const exportStudent = stageVerb('export', 'Write the student as an ONNX file with its card');
