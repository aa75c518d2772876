import { distill } from '../pipeline/distill/distill.ts';
import { finetune } from '../pipeline/distill/finetune.ts';
import { evaluate } from '../pipeline/evaluate.ts';
import { exportStudents } from '../pipeline/export.ts';
import type { StageRunners } from '../pipeline/run.ts';
import { search } from '../pipeline/search/search.ts';
import { supernet } from '../pipeline/supernet/supernet.ts';
import { teach } from '../pipeline/teach/teach.ts';
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
