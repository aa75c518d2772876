import { num } from '../../ops/op.ts';
import { binary, unary } from './elementwise.ts';
import { anyOrder, type Item, ordered, share, type Tf, type TfTensor } from './item.ts';
import { type Call, input, type Kernel, made, wrapAxis } from './kernel.ts';

/** clamp(αx + β, 0, 1). */
function hard(tf: Tf, x: TfTensor, alpha: number, beta: number): TfTensor {
  return tf.clipByValue(tf.add(tf.mul(x, alpha), beta), 0, 1);
}

/** TensorFlow.js takes softmax over the last axis only: that is put last. */
function alongLast(f: (tf: Tf, x: TfTensor) => TfTensor): Kernel {
  return (call) => {
    const x = input(call, 0);
    const axis = wrapAxis(num(call.attributes, 'axis', -1), x.shape.length);
    const order = [...anyOrder(call.tf, x).order.filter((a) => a !== axis), axis];
    return made(call, f(call.tf, ordered(call.tf, x, order)), order);
  };
}

/** Nothing is dropped: a mask of training is fed to the program. */
function dropout(call: Call): Item[] {
  const x = input(call, 0);
  const y = share(x);
  if (call.node.outputs.length === 1) return [y];
  const { tensor, order } = anyOrder(call.tf, x);
  return [y, { dtype: 'bool', shape: x.shape, laid: [{ tensor: ones(call.tf, tensor), order }] }];
}

function ones(tf: Tf, like: TfTensor): TfTensor {
  return tf.cast(tf.onesLike(like), 'bool');
}

export const activationKernels = {
  Relu: unary((tf, x) => tf.relu(x)),
  LeakyRelu: unary((tf, x, { attributes }) => tf.leakyRelu(x, num(attributes, 'alpha', 0.01))),
  PRelu: binary((tf, x, slope) => tf.add(tf.relu(x), tf.mul(slope, tf.minimum(x, 0)))),
  Elu: unary((tf, x, { attributes }) =>
    tf.add(tf.relu(x), tf.mul(tf.expm1(tf.minimum(x, 0)), num(attributes, 'alpha', 1))),
  ),
  Sigmoid: unary((tf, x) => tf.sigmoid(x)),
  Tanh: unary((tf, x) => tf.tanh(x)),
  Softplus: unary((tf, x) => tf.softplus(x)),
  HardSigmoid: unary((tf, x, { attributes }) =>
    hard(tf, x, num(attributes, 'alpha', 0.2), num(attributes, 'beta', 0.5)),
  ),
  HardSwish: unary((tf, x) => tf.mul(x, hard(tf, x, 1 / 6, 0.5))),
  Softmax: alongLast((tf, x) => tf.softmax(x)),
  LogSoftmax: alongLast((tf, x) => tf.logSoftmax(x)),
  Dropout: dropout,
} satisfies Record<string, Kernel>;
