import { num } from '../../ops/op.ts';
import { anyOrder, fromDevice, type Item, plain, type Tf, type TfTensor } from './item.ts';
import { type Call, input, type Kernel, made, wrapAxis } from './kernel.ts';

/** A vector [C] so that it broadcasts along the channels of a tensor with axes in some order. */
function perChannel(tf: Tf, vector: Item, order: readonly number[]): TfTensor {
  return anyOrder(tf, vector).tensor.reshape(order.map((axis) => (axis === 1 ? vector.shape[0]! : 1)));
}

const epsilonOf = (call: Call) => num(call.attributes, 'epsilon', 1e-5);

/** (x − mean)/√(variance + ε) over some axes, with mean and 1/√(…). */
function standardised(tf: Tf, x: TfTensor, axes: number[], epsilon: number) {
  const mean = tf.mean(x, axes, true);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), axes, true);
  const invStd = tf.rsqrt(tf.add(variance, epsilon));
  return { normal: tf.mul(centred, invStd), mean, invStd };
}

const instanceNormalization: Kernel = (call) => {
  const { tf } = call;
  const { tensor, order } = anyOrder(tf, input(call, 0));
  const image = order.flatMap((axis, place) => (axis > 1 ? [place] : []));
  const { normal } = standardised(tf, tensor, image, epsilonOf(call));
  const scaled = tf.mul(normal, perChannel(tf, input(call, 1), order));
  return made(call, tf.add(scaled, perChannel(tf, input(call, 2), order)), order);
};

/** With the statistics given: γ·(x − mean)/√(variance + ε) + β. */
const batchNormalization: Kernel = (call) => {
  const { tf } = call;
  const { tensor, order } = anyOrder(tf, input(call, 0));
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => perChannel(tf, input(call, i), order)) as [
    TfTensor,
    TfTensor,
    TfTensor,
    TfTensor,
  ];
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilonOf(call))));
  return made(call, tf.add(tf.mul(tf.sub(tensor, mean), scale), beta), order);
};

/** Over the last axes from `axis` on; mean and 1/σ as further outputs where they are asked for. */
const layerNormalization: Kernel = (call) => {
  const { tf, node } = call;
  const x = input(call, 0);
  const rank = x.shape.length;
  const from = wrapAxis(num(call.attributes, 'axis', -1), rank);
  const order = x.shape.map((_, axis) => axis);
  const { normal, mean, invStd } = standardised(tf, plain(tf, x), order.slice(from), epsilonOf(call));
  const scaled = tf.mul(normal, plain(tf, input(call, 1)));
  const beta = call.inputs[2];
  const y = made(call, beta ? tf.add(scaled, plain(tf, beta)) : scaled);
  const more = [mean, invStd].slice(0, node.outputs.length - 1);
  return [y, ...more.map((tensor) => fromDevice(tf, tensor, 'float32'))];
};

export const normKernels = {
  InstanceNormalization: instanceNormalization,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
} satisfies Record<string, Kernel>;
