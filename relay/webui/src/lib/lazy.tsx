/** Pages that are loaded when they are opened (brief 11). */
import { signal } from "@preact/signals";
import { Component, type ComponentType, type JSX } from "preact";
import { ErrorState, Skeleton } from "../ui";

/** What every page takes: the parts of the address that its pattern names. */
export interface PageProps {
  params: Record<string, string>;
}

/** A page; its module has it as the default export. */
export type Page = ComponentType<PageProps>;

/** A component whose module is loaded the first time it is shown; a failed load offers to try again. */
export function lazyPage<Props extends object = PageProps>(load: () => Promise<{ default: ComponentType<Props> }>): ComponentType<Props> & { preload: () => void } {
  const state = signal<{ page?: ComponentType<Props>; error?: unknown }>({});
  let under: Promise<void> | undefined;
  const fetchIt = (): void => {
    under ??= load().then(
      (module) => { state.value = { page: module.default }; },
      (error: unknown) => {
        under = undefined;
        state.value = { error };
      },
    );
  };
  class Lazy extends Component<Props> {
    override componentDidMount(): void {
      fetchIt();
    }
    override render(): JSX.Element {
      const { page: Loaded, error } = state.value;
      if (Loaded) return <Loaded {...(this.props as Props)} />;
      const retry = (): void => {
        state.value = {};
        fetchIt();
      };
      return <div class="page-loading">{error ? <ErrorState error={error} title="This page did not load." retry={retry} /> : <Skeleton rows={6} />}</div>;
    }
  }
  return Object.assign(Lazy as ComponentType<Props>, { preload: fetchIt });
}
