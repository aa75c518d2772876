import type { z } from 'zod';
import { listOf, number, section, text, whole } from './fields.ts';

/** What a student learns by that is trained together with its teacher; how both are trained otherwise is `teacher.train`. */
export const onlineSchema = section({
  lambdaSsim: number({ min: 0 })
    .default(10)
    .describe("Weight of 1 − SSIM between the student's image and the teacher's."),
  lambdaStyle: number({ min: 0 })
    .default(1e4)
    .describe('Weight of the distance between Gram matrices of what a frozen network sees in both images.'),
  lambdaContent: number({ min: 0 })
    .default(10)
    .describe("Weight of the distance between that network's activations themselves, at half the size."),
  lambdaVariation: number({ min: 0 })
    .default(1e-5)
    .describe("Weight of the total variation of the student's image."),
  lambdaChannel: number({ min: 0 })
    .default(50)
    .describe("Weight of the distance between the channels' means of both networks, at the taps."),
  taps: listOf(text('the name of a value in the generator'), 'a list of at least one name of a value', 1)
    .optional()
    .describe('Values of the generators whose channels are compared; by default spread over the trunk.'),
  perceptual: text('"emoji", "vgg19" or the path of an .onnx file', /^(emoji|vgg19)$|\.onnx$/i)
    .default('emoji')
    .describe(
      'The frozen network of lambdaStyle and lambdaContent: emoji, vgg19, or an .onnx file with its card.',
    ),
  teacherEvery: whole({ min: 1, max: 1000 })
    .default(1)
    .describe('The teacher and the discriminator learn in one of so many steps, the student in all.'),
});

export type OnlineConfig = z.output<typeof onlineSchema>;
