/** The components that every page is made of. */
import "./controls.css";
import "./overlays.css";

export { Button, IconButton, type ButtonKind, type ButtonProps, type Icon, type IconButtonProps } from "./button";
export { Confirms, confirm, Dialog, Sheet, type Confirmation, type DialogProps } from "./dialog";
export { Checkbox, Field, Segments, Select, Switch, TextArea, TextInput, type FieldLinks, type FieldProps, type Option, type TextInputProps } from "./field";
export { Kbd, Keys } from "./kbd";
export { Logo, Mark, Pips, Spinner, STATE_WORDS, Wire, type MarkState } from "./mark";
export { Menu, MenuButton, type Anchor, type MenuButtonProps, type MenuItem } from "./menu";
export { Chip, CopyButton, CopyField, Empty, errorWords, ErrorState, Skeleton, Table, Tabs, type Column, type Tab } from "./parts";
export { toast, Toasts, type Toast } from "./toast";
export { Tips, Tooltip } from "./tooltip";
