/** Draw a part of the page again only when something that it is told has changed. */
import { Component, type ComponentType, h } from 'preact';

export function memo<Props extends object>(Drawing: ComponentType<Props>): ComponentType<Props> {
  return class extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      const before: Record<string, unknown> = { ...this.props };
      return Object.entries(next).some(([name, value]) => !Object.is(before[name], value));
    }

    override render() {
      return h(Drawing, this.props);
    }
  };
}
