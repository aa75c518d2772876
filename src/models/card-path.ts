/** The card that belongs to a model file: `students/g.onnx` → `students/g.card.json`. */
export function cardPath(model: string): string {
  return model.replace(/\.onnx$/i, '.card.json');
}
