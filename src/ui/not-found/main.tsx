import { mountPage } from '../components/page.tsx';
import { NotFound } from './not-found.tsx';

mountPage(NotFound, undefined);
