import { distill } from '../pipeline/distill.ts';
import { evaluate } from '../pipeline/evaluate.ts';
import { exportStudents } from '../pipeline/export.ts';
import { finetune } from '../pipeline/finetune.ts';
import type { StageRunners } from '../pipeline/run.ts';
import { search } from '../pipeline/search.ts';
import { supernet } from '../pipeline/supernet.ts';
import { teach } from '../pipeline/teach.ts';
import { tableStage } from '../report/table.ts';

/** What each stage of a run does. */
export const stageRunners: StageRunners = {
  teach,
  distill,
  supernet,
  search,
  finetune,
  export: exportStudents,
  evaluate,
  table: tableStage,
};
