import type { Graph, Value } from '../graph/graph.ts';
import { add, exp, mul, neg, square, sub } from '../ops/elementwise.ts';
import { sum } from '../ops/reduce.ts';
import { apply, declareTrained, type TrainedNetwork } from './trained-network.ts';

/** A network that is trained with a generator, and that says what vector a picture is made from. */
export interface Encoder {
  /** From `image` to `mean` and `logVariance` [batch, Z], as `spadeEncoder`. */
  network: Graph;
  /** Weight of the distance of these vectors from standard normal ones. */
  lambdaKl: number;
}

export interface EncodedLatent {
  encoder: TrainedNetwork;
  /** [batch, Z]: drawn anew for each picture of the batch. */
  latent: Value;
  /** A scalar, unweighted. */
  kl: Value;
  /** Vectors of the encoder's spectral norms after the step. */
  statistics: ReadonlyMap<string, Value>;
}

/**
 * The latent vectors of a batch of pictures, z = μ + ε·exp(½ log σ²), and how far they are from standard normal ones (Kingma &
 * Welling 2014, §2.4, appendix B; Park et al. 2019, appendix A): KL = −½ Σ (1 + log σ² − μ² − σ²), summed over the numbers of the
 * vectors and over the batch, as the code of Park et al. has it, so that its weight of 0.05 means here what it does there. `noise`
 * is ε, standard normal [batch, Z]; `image` [batch, C, size, size]. The encoder's weights are declared as `e/…`.
 */
export function encodedLatent(
  graph: Graph,
  { network }: Pick<Encoder, 'network'>,
  image: Value,
  noise: Value,
): EncodedLatent {
  const encoder = declareTrained(graph, 'e', network);
  const { outputs, statistics } = apply(graph, encoder, { image }, 'encoder');
  const [mean, logVariance] = outputs as [Value, Value];
  return graph.scoped('latent', () => {
    const latent = add(mean, mul(noise, exp(mul(logVariance, 0.5))));
    const excess = sub(sub(add(logVariance, 1), square(mean)), exp(logVariance));
    return { encoder, latent, kl: mul(neg(sum(excess)), 0.5), statistics };
  });
}
