// Graphs: what everything is built of.

// Models: files, parameters, costs, gradients.
export { gradient } from './autodiff/gradient.ts';
// Running: programs with state, on an engine.
export type { Backend, Compiled, Feeds, Program, RunOptions, State } from './backend/backend.ts';
export { onnxruntime, type Provider, runGraph } from './backend/onnxruntime.ts';
export { type LoadTfjsOptions, loadTfjs } from './backend/tfjs/load.ts';
export { type TfjsOptions, tfjs } from './backend/tfjs.ts';
// Compressing: which channels go together, which matter, and the narrower network.
export { adaptTeacher, type TeacherForm } from './compress/adapt-teacher.ts';
export { meanActivations } from './compress/calibrate.ts';
// Supernets: widths that are read at run time.
export { widthFeeds, widthInputs, widthNumbers } from './compress/elastic.ts';
export { inlineElastic } from './compress/elastic-inline.ts';
export { foldBatchNorm } from './compress/fold-batch-norm.ts';
export { type ChannelGroup, type ChannelGroups, channelGroups } from './compress/groups.ts';
export { channelScores, type Importance, selectChannels } from './compress/importance.ts';
export { narrow } from './compress/narrow.ts';
export { separate } from './compress/separable.ts';
export { proposeTaps } from './compress/taps.ts';
export {
  channelsAt,
  formatWidths,
  largest,
  parseWidths,
  smallest,
  spaceSize,
  type WidthSpace,
  type WidthVector,
  widthSpace,
} from './compress/width-space.ts';
export { checkGraph } from './graph/check.ts';
export { evaluateDim } from './graph/dims.ts';
export type {
  Attribute,
  Attributes,
  Dim,
  DType,
  Node,
  Tensor,
  TensorData,
  TensorType,
  Value,
} from './graph/graph.ts';
export { float32, Graph, int64 } from './graph/graph.ts';
export { encodeOnnx } from './graph/onnx.ts';
export { printGraph } from './graph/print.ts';
export { prune } from './graph/prune.ts';
// Measuring: distances between sets of pictures, between pictures, and of generators with a latent.
export {
  type DistanceKind,
  type DistanceMeter,
  type DistanceMeterOptions,
  distanceMeter,
} from './metrics/distance-meter.ts';
export { type DistributionScore, distributionMeter } from './metrics/distributions.ts';
export { diversitySum } from './metrics/diversity.ts';
export { type Features, features, featuresOnDisk, halves } from './metrics/features.ts';
export { type CompareOptions, type Comparison, compareFolders } from './metrics/folders/compare.ts';
export { type FrechetDistance, frechetFromFeatures, frechetFromMoments } from './metrics/frechet.ts';
export { frechetInfinite } from './metrics/frechet-infinite.ts';
export { inceptionScore, inceptionScoreSum } from './metrics/inception-score.ts';
export { kernelDiscrepancy, kid } from './metrics/kid.ts';
export { l1 } from './metrics/l1.ts';
export type { Levels, PictureSet } from './metrics/levels.ts';
export { linearSeparability } from './metrics/linear-separability.ts';
export { manifoldScores, realism } from './metrics/manifold.ts';
export { slicedDistance } from './metrics/mind.ts';
export { type Moments, momentSum, momentsOf } from './metrics/moments.ts';
export { msSsim } from './metrics/ms-ssim.ts';
export { type FeatureExtractor, openFeatures } from './metrics/networks/extract.ts';
export { featureNetwork, perceptualNetwork } from './metrics/networks/find.ts';
export { openPerceptual } from './metrics/networks/perceptual.ts';
export { noiseFloor, noiseFloorOfFeatures } from './metrics/noise-floor.ts';
export { measurePairs } from './metrics/paired.ts';
export { boxDownscale, faceCrop } from './metrics/path-pictures.ts';
export { pathLength, pathLengthFloor } from './metrics/ppl.ts';
export { preprocessingFingerprint } from './metrics/preprocessing.ts';
export { psnr } from './metrics/psnr.ts';
export { quantise } from './metrics/quantise.ts';
export { pairedFrechet } from './metrics/resampling.ts';
export { resizePlanes } from './metrics/resize.ts';
export { segmentationSum } from './metrics/segmentation.ts';
export { ssim } from './metrics/ssim.ts';
export { readStatistics, writeStatistics } from './metrics/statistics-file.ts';
// Operators: functions from values to values.
export {
  dropoutWith,
  elu,
  gelu,
  hardSwish,
  leakyRelu,
  logSoftmax,
  prelu,
  relu,
  sigmoid,
  softmax,
  softplus,
  stableSoftplus,
  tanh,
} from './ops/activation.ts';
export { checkTypes } from './ops/check-types.ts';
export { type ConvOptions, conv, convTranspose } from './ops/conv.ts';
export { countMacs, countParameters, inputSymbols, layerCosts, type Macs } from './ops/cost.ts';
export { depthToSpace, spaceToDepth } from './ops/depth-space.ts';
export {
  abs,
  add,
  and,
  cast,
  clip,
  cos,
  div,
  equal,
  erf,
  exp,
  greater,
  greaterOrEqual,
  identity,
  less,
  lessOrEqual,
  log,
  max,
  min,
  mul,
  neg,
  not,
  type Operand,
  or,
  pow,
  reciprocal,
  sign,
  sin,
  sqrt,
  square,
  sub,
  where,
} from './ops/elementwise.ts';
export { gather } from './ops/gather.ts';
export { loadOnnx, saveOnnx } from './ops/import-onnx.ts';
export { type Inlined, type InlineOptions, inline } from './ops/inline.ts';
export { expandTo, flatten, reshape, squeeze, transpose, unsqueeze } from './ops/layout.ts';
export { linear, matMul, swapLast } from './ops/matmul.ts';
export { batchNorm, batchNormTraining, groupNorm, instanceNorm, layerNorm } from './ops/norm.ts';
export { batchStatistics, trainableParameters } from './ops/parameters.ts';
export { averagePool, globalAveragePool, globalMaxPool, maxPool, type PoolOptions } from './ops/pool.ts';
export { mean, reduceMax, reduceMean, reduceMin, reduceSum, sum } from './ops/reduce.ts';
export { type ResizeOptions, resizeTo, upsample } from './ops/resize.ts';
export { concat, split, tile } from './ops/segments.ts';
export { dimValue, fillLike, shapeOf, zerosLike } from './ops/sizes.ts';
export { END, flip, pad, prefix, slice } from './ops/window.ts';
// Searching: width vectors within limits, the best first.
export { costModel } from './search/cost.ts';
export { evolutionSearch } from './search/evolution.ts';
export { exhaustiveSearch } from './search/exhaustive.ts';
export { type LatencyTable, latencyTable, predictLatency } from './search/latency.ts';
export { paretoFront } from './search/pareto.ts';
export type { Limit, Outcome, Problem, Scored } from './search/problem.ts';
export { randomSearch } from './search/random.ts';
export { uniformVector } from './search/uniform.ts';
export { GanletError } from './util/errors.ts';
