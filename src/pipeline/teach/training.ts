import type { Student } from '../../compress/student.ts';
import type { Source } from '../../data/source.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Recipe, TeacherConfig, TrainConfig } from '../../recipe/schema.ts';
import type { Settings } from '../../train/changed-settings.ts';
import type { RunContext } from '../context.ts';

/** A teacher that a recipe describes and has trained. */
export type BuiltTeacher = Extract<TeacherConfig, { generator: unknown }>;

/** One way to train teachers. */
export interface Training {
  /** Whether a recipe's teacher is trained this way, where none before it in the list of trainings fits. */
  fits(recipe: Recipe, source: Source): boolean;
  /** The stage `teach`. */
  teach(context: RunContext, teacher: BuiltTeacher): Promise<void>;
  /** How a student is trained without a teacher, to be compared with; left out, it is by the losses of `stepProgram`. */
  naive?: NaiveTraining;
  /** Reports what a recipe asks of this training that the data cannot give, whether it is trained this way or not. */
  check?(recipe: Recipe, source: Source, fail: (path: readonly string[], message: string) => void): void;
}

export interface NaiveTraining {
  /** What it depends on besides what every student does. */
  depends(recipe: Recipe, source: Source): object;
  /** Gives the student with its trained weights. */
  train(context: RunContext, training: NaiveStudent): Promise<Graph>;
}

export interface NaiveStudent {
  /** Folder inside the run. */
  stage: string;
  student: Student;
  config: TrainConfig;
  /** What the start depends on, by the names in the recipe. */
  settings: Settings;
}
